/* SPDX-License-Identifier: Apache-2.0
 *
 * TalkRT's C ABI: speech in, video frames out.
 *
 *   engine   what the machine offers, the memory account, the cache of loaded models
 *   model    one plan file, loaded; immutable; many sessions may share it
 *   session  one head, talking: push audio, pull frames; or one scene. Both are drawn from any camera
 *
 * Ownership
 *   - talkrt_*_create, talkrt_model_load and talkrt_session_pull hand the caller one reference.
 *   - talkrt_*_retain adds one, talkrt_*_release drops one; release accepts NULL.
 *   - A model keeps its engine alive, a session keeps its model alive, a frame keeps its session's
 *     memory alive: release in any order.
 *   - Strings returned by the library live as long as the object they came from, those of
 *     talkrt_last_error until the next failing call of the same thread.
 *   - Strings and buffers given to the library are copied before the call returns.
 *
 * Threads
 *   - Engine and model functions may be called from any thread at any time.
 *   - One thread may push (push_audio, push_features, finish_audio) while another one pulls and draws (pull,
 *     pull_into, draw).
 *   - interrupt, set_controls and stats may be called from any thread at any time.
 *   - Callbacks run on the thread whose call caused them.
 *
 * Errors
 *   - Functions return a talkrt_status. talkrt_last_error gives the message of the last failing call
 *     of this thread: what was wrong, where, what was found, what was expected.
 *   - Nothing is ever thrown across this boundary. An out parameter is untouched on failure.
 *   - NEED_AUDIO and END_OF_STREAM are ordinary outcomes of a pull, not errors.
 *
 * Structs begin with struct_size. Fill them by their *_init function, then change fields: fields that
 * a newer library adds keep their defaults for a program compiled against this header.
 */
#ifndef TALKRT_TALKRT_H
#define TALKRT_TALKRT_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#define TALKRT_API __declspec(dllexport)
#else
#define TALKRT_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define TALKRT_ABI_VERSION 1

typedef struct talkrt_engine talkrt_engine;
typedef struct talkrt_model talkrt_model;
typedef struct talkrt_session talkrt_session;
typedef struct talkrt_frame_slot talkrt_frame_slot;

typedef enum talkrt_status {
  TALKRT_OK = 0,
  TALKRT_NEED_AUDIO = 1,    /* pull: the next frame needs audio that was not pushed yet */
  TALKRT_END_OF_STREAM = 2, /* pull: every frame of the finished audio was delivered */

  TALKRT_ERROR_INVALID_ARGUMENT = -1,
  TALKRT_ERROR_NOT_FOUND = -2,        /* file, graph, emotion or library that does not exist */
  TALKRT_ERROR_IO = -3,               /* the system refused to read or map a file */
  TALKRT_ERROR_PLAN_CORRUPT = -4,     /* not a plan, truncated, or it contradicts itself */
  TALKRT_ERROR_PLAN_UNSUPPORTED = -5, /* a valid plan that this library cannot run */
  TALKRT_ERROR_BACKEND_MISSING = -6,  /* no ONNX Runtime (or other back end) could be opened */
  TALKRT_ERROR_BACKEND_FAILED = -7,   /* the back end refused a graph or failed while running */
  TALKRT_ERROR_OUT_OF_BUDGET = -8,    /* would exceed a memory budget; the message itemizes it */
  TALKRT_ERROR_OUT_OF_MEMORY = -9,
  TALKRT_ERROR_FRAMES_HELD = -10, /* every frame slot is still held by the caller */
  TALKRT_ERROR_BAD_AUDIO = -11,   /* NaN or infinite samples */
  TALKRT_ERROR_FINISHED = -12,    /* audio pushed after finish_audio */
  TALKRT_ERROR_UNSUPPORTED = -13, /* what this kind of model cannot do: audio for a scene */
  TALKRT_ERROR_DEVICE_LOST =
      -14, /* the GPU failed while in use: this engine cannot draw any more, release it */
  TALKRT_ERROR_INTERNAL = -99
} talkrt_status;

/* "TALKRT_ERROR_IO" for TALKRT_ERROR_IO; never NULL. */
TALKRT_API const char* talkrt_status_name(talkrt_status status);

/* Message of the last failing call of the calling thread; "" when there was none. */
TALKRT_API const char* talkrt_last_error(void);

/* "0.1.0", and a JSON object with version, abi, compiler, cpu paths compiled in. Static. */
TALKRT_API const char* talkrt_version(void);
TALKRT_API const char* talkrt_build_info_json(void);

/* ---- engine ---------------------------------------------------------------------------------- */

typedef enum talkrt_log_level {
  TALKRT_LOG_DEBUG = 0,
  TALKRT_LOG_INFO = 1,
  TALKRT_LOG_WARNING = 2,
  TALKRT_LOG_ERROR = 3
} talkrt_log_level;

typedef void (*talkrt_log_fn)(void* user_data, talkrt_log_level level, const char* message);

typedef enum talkrt_device {
  TALKRT_DEVICE_AUTO = 0, /* the GPU where one can be used, else the CPU; the log says which, and why */
  TALKRT_DEVICE_CPU = 1,
  TALKRT_DEVICE_CUDA = 2 /* an NVIDIA GPU */
} talkrt_device;

/* Asked before the idle model of the plan at `path` is evicted; 0 keeps it. It runs on the thread whose
 * talkrt_model_load or talkrt_session_create wants the memory, while other threads wait to load, to create
 * sessions and to describe the engine. So it answers without waiting for them, and without these three calls
 * on its own engine: they fail as INVALID_ARGUMENT there. Releasing anything is allowed. */
typedef int32_t (*talkrt_may_evict_fn)(void* user_data, const char* path);

typedef struct talkrt_engine_config {
  uint32_t struct_size;
  int32_t threads;              /* CPU threads of the kernels, the caller's included; 0: one per core
                                   that this process may use */
  uint64_t host_budget_bytes;   /* for all models of this engine together; 0: no limit beside each
                                   plan's own budget */
  const char* onnxruntime_path; /* library to open; NULL: $TALKRT_ONNXRUNTIME, then the loader's path */
  talkrt_log_fn log;            /* NULL: silent */
  void* log_user_data;
  talkrt_log_level log_level; /* least level that is passed on */

  int32_t device;       /* a talkrt_device; CUDA where there is none is BACKEND_MISSING */
  int32_t device_index; /* of several GPUs, as CUDA counts them */

  uint64_t device_budget_bytes;  /* of the GPU's memory, as host_budget_bytes of the host's */
  talkrt_may_evict_fn may_evict; /* NULL: every idle model may be evicted */
  void* may_evict_user_data;
  void (*may_evict_free)(
      void* user_data); /* called once, when the engine that was created is gone; or NULL */
} talkrt_engine_config;

/* Sets the defaults of as many bytes as `size` says the caller's struct has. */
TALKRT_API void talkrt_engine_config_init_sized(talkrt_engine_config* config, size_t size);
/* For programs compiled against a header whose struct ended before `device`: their engines are on the CPU. */
TALKRT_API void talkrt_engine_config_init(talkrt_engine_config* config);
#define talkrt_engine_config_init(config) \
  talkrt_engine_config_init_sized((config), sizeof(talkrt_engine_config))
TALKRT_API talkrt_status talkrt_engine_create(const talkrt_engine_config* config, talkrt_engine** out);
TALKRT_API void talkrt_engine_retain(talkrt_engine* engine);
TALKRT_API void talkrt_engine_release(talkrt_engine* engine);

/* What was found, what will be used and why: devices, back ends with versions and paths, cpu path,
 * threads, memory account by model beside the system's figures for the process (the host's resident
 * memory, NVML's of the GPU) and the differences. A JSON object; free with talkrt_string_free. */
TALKRT_API talkrt_status talkrt_engine_describe_json(talkrt_engine* engine, char** out);
TALKRT_API void talkrt_string_free(char* string);

/* ---- model ----------------------------------------------------------------------------------- */

/* Loads a plan, or returns the cached model of an unchanged file that is still loaded. Validates every
 * byte that it will use. When the engine's budget is full, the GPU or the system, idle models are evicted
 * first, least recently used first; what still does not fit is refused with a breakdown (OUT_OF_BUDGET;
 * OUT_OF_MEMORY for a full GPU or system) before it takes anything. */
TALKRT_API talkrt_status talkrt_model_load(talkrt_engine* engine, const char* path, talkrt_model** out);

#define TALKRT_NO_BUDGET UINT64_MAX

typedef struct talkrt_model_config {
  uint32_t struct_size;
  uint64_t host_budget_bytes;   /* for the model and its sessions; 0: the plan's, TALKRT_NO_BUDGET: none */
  uint64_t device_budget_bytes; /* the same, of the GPU's memory */
} talkrt_model_config;

TALKRT_API void talkrt_model_config_init_sized(talkrt_model_config* config, size_t size);
#define talkrt_model_config_init(config) talkrt_model_config_init_sized((config), sizeof(talkrt_model_config))

/* talkrt_model_load with budgets in place of the plan's; NULL: none. A model that is loaded already gets them
 * too, for all who use it, unless it holds more than that: then OUT_OF_BUDGET, and nothing changes. */
TALKRT_API talkrt_status talkrt_model_load_with(talkrt_engine* engine, const char* path,
                                                const talkrt_model_config* config, talkrt_model** out);
TALKRT_API void talkrt_model_retain(talkrt_model* model);
TALKRT_API void talkrt_model_release(talkrt_model* model);

typedef struct talkrt_model_info {
  uint32_t struct_size;
  const char* kind; /* "gaussian"; "vasa1", whose sessions need a portrait; or "scene", which takes no audio
                       and is only drawn */
  const char* name;
  int32_t sample_rate;      /* Hz, of the audio that sessions take; 0: they take none */
  int32_t width, height;    /* pixels, as exported */
  int32_t fps_num, fps_den; /* as exported */
  int64_t look_ahead;       /* samples of audio beyond a frame's time that the frame needs, at most; of a
                               session with motion_hop see talkrt_session_describe_json */
  uint64_t host_bytes;      /* held by the loaded model */
  uint64_t host_budget_bytes;
  double load_ms;
  float target[3]; /* the point that a free camera should turn about, world */
  float up[3];     /* the direction that it should keep upright, unit length */

  uint64_t pinned_bytes; /* page-locked memory of the host; counts against host_budget_bytes */
  uint64_t device_bytes; /* of the GPU */
  uint64_t device_budget_bytes;
} talkrt_model_info;

TALKRT_API void talkrt_model_info_init_sized(talkrt_model_info* info, size_t size);
/* For programs compiled against a header whose struct ended before `pinned_bytes`. */
TALKRT_API void talkrt_model_info_init(talkrt_model_info* info);
#define talkrt_model_info_init(info) talkrt_model_info_init_sized((info), sizeof(talkrt_model_info))
TALKRT_API talkrt_status talkrt_model_get_info(const talkrt_model* model, talkrt_model_info* info);

/* The plan's manifest and a summary of its tensors, as JSON; free with talkrt_string_free. */
TALKRT_API talkrt_status talkrt_model_describe_json(const talkrt_model* model, char** out);

/* Emotions a session of this model knows, in index order; NULL past the end. */
TALKRT_API const char* talkrt_model_emotion_name(const talkrt_model* model, int32_t index);

/* A pinhole camera. Axes: +x right, +y down, +z forward; pixel centres lie at .5. The world of a head:
 * metres, origin midway between the eyeballs, +x the head's own left, +y up, +z out of the face. */
typedef struct talkrt_camera {
  uint32_t struct_size;
  int32_t width, height; /* pixels, 1 to 8192 */
  float viewmat[16];     /* world to camera, row-major: a rotation and a translation */
  float K[9];            /* pixels, row-major: fx 0 cx, 0 fy cy, 0 0 1 */
} talkrt_camera;

/* Sets everything but struct_size to 0. */
TALKRT_API void talkrt_camera_init(talkrt_camera* camera);

/* The plan's own camera for pictures of this size, which keep its vertical field of view; 0: the plan's size.
 * UNSUPPORTED for a model without one. */
TALKRT_API talkrt_status talkrt_model_get_camera(const talkrt_model* model, int32_t width, int32_t height,
                                                 talkrt_camera* camera);

/* ---- session --------------------------------------------------------------------------------- */

typedef enum talkrt_background {
  TALKRT_BACKGROUND_PLAN = 0,       /* the plan's own colour or picture */
  TALKRT_BACKGROUND_COLOR = 1,      /* background_color */
  TALKRT_BACKGROUND_IMAGE = 2,      /* background_image */
  TALKRT_BACKGROUND_TRANSPARENT = 3 /* none: alpha in the frame is the head's; RGB is not premultiplied */
} talkrt_background;

typedef enum talkrt_frame_memory {
  TALKRT_FRAMES_HOST = 0,  /* talkrt_frame.pixels; page-locked where a GPU draws */
  TALKRT_FRAMES_DEVICE = 1 /* talkrt_frame.device_pixels, on the GPU that draws */
} talkrt_frame_memory;

typedef enum talkrt_pixel_format {
  TALKRT_PIXELS_RGBA8 = 0, /* [height, width, 4] */
  TALKRT_PIXELS_NV12 =
      1, /* as encoders take it: BT.709, limited range: luma [height, width], straight behind it chroma
            [(height + 1) / 2, (width + 1) / 2, 2] of U and V, in rows of the same stride. Not with
            TALKRT_BACKGROUND_TRANSPARENT: it has no alpha */
  TALKRT_PIXELS_RGBA_F32 =
      2 /* [height, width, 4], packed: display-referred, premultiplied where the background is
           transparent. Only where a GPU draws; talkrt_session_draw has floats anywhere */
} talkrt_pixel_format;

typedef struct talkrt_session_config {
  uint32_t struct_size;
  int32_t width, height;    /* pixels, 1 to 8192; 0: the plan's */
  int32_t fps_num, fps_den; /* frames per second of audio time, 1 to 240; 0: the plan's */
  int32_t frame_slots;      /* frames that may be held at once, 1 to 64 */
  int64_t audio_capacity;   /* samples that push_audio can hold ahead of pull; 0: two seconds */
  uint64_t seed;            /* of blinks, gaze and head motion */
  int32_t idle_motion; /* 0: no blinks, gaze or head motion of its own; 1: natural. A portrait's motion all
                          comes from its network, whatever this says */
  talkrt_background background;
  float background_color[3];       /* 0 to 1, display-referred */
  const uint8_t* background_image; /* RGB8, tightly packed [height, width, 3], of the frame's size */
  int32_t background_image_width, background_image_height;

  /* Of models that animate a portrait (vasa1), which need one; others refuse it. */
  const uint8_t* portrait;                 /* tightly packed [height, width, channels] */
  int32_t portrait_width, portrait_height; /* 1 to 8192 */
  int32_t portrait_channels;               /* 3: RGB8; 4: RGBA8, laid over white */
  double portrait_crop[6];    /* row-major [2, 3]: from the portrait's pixel indices to those of the crop that
                                 the networks see, centres of pixels at whole numbers. All 0: the portrait is
                                 the crop, and has the plan's size */
  int32_t portrait_crop_only; /* 0: a frame is the portrait's picture with the moving crop in its place, where
                                 width and height are 0 of its size; 1: the crop alone, where they are 0 of
                                 the plan's. Without portrait_crop it is 1 */

  /* Of models that make motion by diffusion (vasa1); others refuse them. */
  int32_t motion_steps; /* of denoising; 0: the plan's, else 1 to the schedule's; 4 to 50 make sense */
  int32_t motion_hop;   /* motion frames made at once, 4 to the window's; 0: the whole window, as published. A
                           shorter hop looks less far ahead and costs a run of the window each */
  float motion_eta;     /* noise drawn on the way, 0: none (DDIM) to 1: as the published sampler */
  float motion_guidance; /* how strongly motion follows speech, 0 to 20; negative: the plan's */

  /* Of sessions that a GPU draws; the CPU has no device frames, and draws none ahead. */
  int32_t frame_memory; /* a talkrt_frame_memory */
  int32_t pixel_format; /* a talkrt_pixel_format, of pulled frames */
  int32_t
      frames_ahead; /* 0 to 2: while a pull hands out a frame, so many later ones are being drawn, as far as
                       their audio is there. Controls reach a frame when it is begun. Each takes a slot */
} talkrt_session_config;

/* Sets the defaults of as many bytes as `size` says the caller's struct has. */
TALKRT_API void talkrt_session_config_init_sized(talkrt_session_config* config, size_t size);
/* For programs compiled against the first header, whose struct ended before `portrait`. */
TALKRT_API void talkrt_session_config_init(talkrt_session_config* config);
#define talkrt_session_config_init(config) \
  talkrt_session_config_init_sized((config), sizeof(talkrt_session_config))

/* Takes all memory that pulling frames will ever need; refuses what exceeds the budget, with a breakdown.
 * For a scene, size and fps say only what the background is stretched to; nothing can be pushed or pulled. */
TALKRT_API talkrt_status talkrt_session_create(talkrt_model* model, const talkrt_session_config* config,
                                               talkrt_session** out);
TALKRT_API void talkrt_session_retain(talkrt_session* session);
TALKRT_API void talkrt_session_release(talkrt_session* session);

/* Appends mono float samples, nominally in [-1, 1], at the model's sample_rate (any other rate is an
 * INVALID_ARGUMENT that names both). Never waits: *accepted says how many of them fitted; push the rest
 * after a pull. NaN or infinity is refused as BAD_AUDIO with its position, and nothing is taken. */
TALKRT_API talkrt_status talkrt_session_push_audio(talkrt_session* session, const float* samples,
                                                   size_t count, int32_t sample_rate, size_t* accepted);

/* The same for an avatar without an encoder: features that the host has, whole rows of row_width * channels
 * floats (the manifest's features), one for each frame of video at the plan's rate. `count` and *accepted are
 * rows; audio_capacity holds for the time that they last. Such a model refuses audio, and all others refuse
 * features, as UNSUPPORTED. */
TALKRT_API talkrt_status talkrt_session_push_features(talkrt_session* session, const float* rows,
                                                      size_t count, size_t row_floats, size_t* accepted);

/* No more audio will come: the last frames need not wait for look-ahead. */
TALKRT_API talkrt_status talkrt_session_finish_audio(talkrt_session* session);

/* The speaker was cut off: drops all audio that was pushed and not yet turned into frames. The next
 * frame is at the first frame time at or after the position of the next sample pushed; the mouth
 * returns from where it was within 100 ms. A finished stream opens again. */
TALKRT_API talkrt_status talkrt_session_interrupt(talkrt_session* session);

/* Controls have the same names and units for every model; what a model has not (a recorded avatar: gaze,
 * head_motion) changes nothing. They take effect on the next pull; emotions fade over half a second. */
typedef struct talkrt_controls {
  uint32_t struct_size;
  int32_t emotion;            /* index of talkrt_model_emotion_name */
  float emotion_intensity;    /* 0 to 1 */
  float gaze_yaw, gaze_pitch; /* degrees added to the eyes; yaw + to the own left, pitch + down; +-30 */
  float head_yaw, head_pitch, head_roll; /* degrees added to the head; +-60 */
  float head_distance;                   /* 1: as exported, 2: twice as far; 0.5 to 4 */
  float head_motion;                     /* scale of the head's own motion, 0 to 2 */
  float blink;                           /* added to both lids, 0 open to 1 closed */
  float expression_scale;                /* of what speech does to the face, 0 to 2 */
} talkrt_controls;

TALKRT_API void talkrt_controls_init(talkrt_controls* controls);
TALKRT_API talkrt_status talkrt_session_set_controls(talkrt_session* session,
                                                     const talkrt_controls* controls);

typedef enum talkrt_stage {
  TALKRT_STAGE_AUDIO = 0,  /* features, or what a network hears */
  TALKRT_STAGE_MOTION = 1, /* network, expression, idle motion; denoising */
  TALKRT_STAGE_DEFORM = 2, /* posing Gaussians; warping a portrait */
  TALKRT_STAGE_RENDER = 3, /* pixels */
  TALKRT_STAGE_POST = 4,   /* pixel format, copies, a crop's place in its picture */
  TALKRT_STAGE_COUNT = 5
} talkrt_stage;

typedef struct talkrt_frame {
  uint32_t struct_size;
  int64_t index;                         /* frame number on the session's clock */
  int64_t audio_position;                /* sample that this frame is to be shown with */
  int32_t width, height;                 /* pixels */
  int64_t stride;                        /* bytes from one row to the next */
  const uint8_t* pixels;                 /* in pixel_format, top row first; NULL after pull_into */
  uint64_t stage_ns[TALKRT_STAGE_COUNT]; /* time this frame spent in each stage */
  talkrt_frame_slot* slot;               /* release when done with pixels; NULL after pull_into */
  int32_t untrained;            /* 1: the model's weights are random numbers, and the picture says nothing */
  int32_t device;               /* the talkrt_device that drew it */
  const uint8_t* device_pixels; /* of TALKRT_FRAMES_DEVICE: as `pixels`, which is NULL then, in the GPU's
                                   memory. They are there for what is enqueued on `stream` after this pull */
  void* stream;         /* the cudaStream_t that draws, non-blocking; NULL for frames in host memory */
  int32_t device_index; /* of that GPU */
  int32_t pixel_format; /* a talkrt_pixel_format: what `pixels` and `device_pixels` hold */
} talkrt_frame;

/* Sets as many bytes as `size` says the caller's struct has. */
TALKRT_API void talkrt_frame_init_sized(talkrt_frame* frame, size_t size);
/* For programs compiled against a header whose struct ended before `untrained`. */
TALKRT_API void talkrt_frame_init(talkrt_frame* frame);
#define talkrt_frame_init(frame) talkrt_frame_init_sized((frame), sizeof(talkrt_frame))

/* Renders the next frame into a slot of the session. The pixels stay valid and unchanged until
 * talkrt_frame_release(frame.slot); a host that reads them on a GPU releases after its reads are done, not
 * when they are enqueued. With TALKRT_FRAMES_DEVICE the call does not wait for the GPU. NEED_AUDIO and
 * END_OF_STREAM leave *frame untouched. */
TALKRT_API talkrt_status talkrt_session_pull(talkrt_session* session, talkrt_frame* frame);
TALKRT_API void talkrt_frame_release(talkrt_frame_slot* slot);

/* Makes what is enqueued on a CUDA stream (cudaStream_t, of the frame's GPU) after this call wait for the
 * frame's pixels. Neither the host nor the session's stream waits. UNSUPPORTED for a frame that the CPU drew.
 */
TALKRT_API talkrt_status talkrt_frame_follow(talkrt_frame_slot* slot, void* stream);

/* talkrt_session_pull into the caller's memory: RGBA8, height rows of stride bytes, stride >= 4 * width.
 * Where a GPU draws it goes through a free slot (FRAMES_HELD without one). UNSUPPORTED for a session of
 * TALKRT_FRAMES_DEVICE, or of another pixel_format. */
TALKRT_API talkrt_status talkrt_session_pull_into(talkrt_session* session, uint8_t* pixels, int64_t stride,
                                                  talkrt_frame* frame);

/* A picture from a camera of the host's, into the host's memory. Outputs that are NULL are not made. */
typedef struct talkrt_view {
  uint32_t struct_size;
  uint8_t* rgba8;       /* [height, width, 4], top row first: what a pulled frame of this camera would hold */
  int64_t rgba8_stride; /* bytes from one row to the next, at least 4 * width */
  float* rgba;          /* [height, width, 4], packed: RGB over the session's background, and the alpha of the
                           Gaussians alone. Over TALKRT_BACKGROUND_TRANSPARENT that is premultiplied RGBA */
  float* depth;         /* [height, width], packed: expected distance along the camera's axis, in the world's
                           unit; 0 where there is nothing */
  /* Filled in by draw. */
  int64_t visible;  /* Gaussians before the camera that could be seen */
  int64_t dropped;  /* Gaussians too large for fp32 as this camera sees them */
  uint64_t draw_ns; /* time spent */
} talkrt_view;

TALKRT_API void talkrt_view_init(talkrt_view* view);

/* Draws what the session shows now: a scene, or a head as in its last frame (first: at rest; with
 * frames_ahead the last one begun). The pulling thread's; changes nothing that is pulled later.
 * INVALID_ARGUMENT for a camera beyond what a trained avatar was seen from (orbit_degrees). The first view of
 * a size takes memory inside the budgets, or is refused as OUT_OF_BUDGET; that size again allocates nothing
 * unless more is to be sorted than before. */
TALKRT_API talkrt_status talkrt_session_draw(talkrt_session* session, const talkrt_camera* camera,
                                             talkrt_view* view);

typedef struct talkrt_session_stats {
  uint32_t struct_size;
  int32_t width, height;
  int32_t fps_num, fps_den;
  int64_t frames;        /* delivered */
  int64_t audio_pushed;  /* samples accepted since the session began */
  int64_t audio_dropped; /* by interrupts */
  int64_t audio_queued;  /* accepted, not yet consumed */
  uint64_t host_bytes;   /* held by this session */

  uint64_t pinned_bytes; /* the same, page-locked */
  uint64_t device_bytes; /* the same, of the GPU */
} talkrt_session_stats;

TALKRT_API void talkrt_session_stats_init_sized(talkrt_session_stats* stats, size_t size);
/* For programs compiled against a header whose struct ended before `pinned_bytes`. */
TALKRT_API void talkrt_session_stats_init(talkrt_session_stats* stats);
#define talkrt_session_stats_init(stats) \
  talkrt_session_stats_init_sized((stats), sizeof(talkrt_session_stats))
TALKRT_API talkrt_status talkrt_session_get_stats(talkrt_session* session, talkrt_session_stats* stats);

/* What the session is and has done, as JSON; free with talkrt_string_free. From any thread.
 *   device      "cpu" or "cuda": what draws its pictures
 *   look_ahead  samples of audio beyond a frame's time that a frame of this session needs at most
 *   graphs      [{name, runs: "portrait" | "clip" | "window" | "frame", calls, ms}], calls and ms so far */
TALKRT_API talkrt_status talkrt_session_describe_json(talkrt_session* session, char** out);

/* Numbers that the last frame shows (with frames_ahead the last one begun), for tests and tools: channel
 * values in the order of the manifest's gaussian.channels; of a portrait its 21 driving keypoints (x, y, z).
 * *count is the capacity on entry and the number of channels on return. */
TALKRT_API talkrt_status talkrt_session_get_channels(talkrt_session* session, float* values, size_t* count);

#ifdef __cplusplus
}
#endif
#endif
