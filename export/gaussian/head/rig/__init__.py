# SPDX-License-Identifier: Apache-2.0
"""What moves the head: parts in, cloud and rig out.

    fields, anatomy         how a displacement field is written, and the reach of the jaw
    mouth, upper_face       the fields of ARKit's shapes; correctives: what two of them together need
    lids, tongue            true functions of a pose, of which shapes are differences
    shading, lid_colors     the light that folds, cheeks and closed lids bring with them
    skeleton, weights       joints, and how much of each a Gaussian follows
    shapes, motion, members which channel does what to which part
    build                   order, bake, assemble

Decisions, each with what lost against it:

- Everything is in layer 0. Teeth, tongue and the mouth's bag in layer 1 lie behind the skin of the
  far side of the head, and the mouth fills with it.
- The iris turns with two joints, the sclera with none: what shows of an eye is an ellipsoid, flatter
  in x, and one deeper joint for both axes sinks the iris into it when the eye looks up or down.
- Deltas of frames are taken on the frames as the cloud stores them. Rebuilding quats and scales from
  a part's own frames reorders their columns, and specks appear wherever skin stretches.
- Blocks are boxes from halving, not runs of a Morton curve: 8 % fewer entries.
- A blink needs one in-between, at .5: the lid's arc is then within .1 mm everywhere.
"""
