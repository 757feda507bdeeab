# SPDX-License-Identifier: Apache-2.0
"""What moves the head: parts in, cloud and rig out.

    fields, anatomy         how a displacement field is written, and the reach of the jaw
    mouth, upper_face       the fields of ARKit's shapes
    correctives             what two of them together need
    lids, tongue            true functions of a pose, of which shapes are differences
    shading, lid_colors     the light that folds, cheeks and closed lids bring with them
    skeleton, weights       joints, and how much of each a Gaussian follows
    shapes, motion, members which channel does what to which part
    build                   order, bake, assemble

Decisions, each with what lost against it:

- Everything is in layer 0. Teeth, tongue and the mouth's bag in layer 1 lie behind the skin of
  the far side of the head, and the open mouth fills with it.
- The iris turns with two joints, the sclera with none. What shows of an eye is an ellipsoid,
  flatter in x; one joint for both axes sinks the iris into it when the eye looks up or down.
- Deltas of frames are taken on the frames as the cloud stores them. Quats and scales made from a
  part's own frames reorder their columns, and specks appear wherever skin stretches.
- Blocks are boxes from halving, 5 % fewer entries than runs of a Morton curve.
- A blink has one in-between, at .5: at worst .4 mm off the lid's arc (1.4 mm with none, .15 mm
  with three), and there are 2 mm between lid and eye.
"""
