/* SPDX-License-Identifier: Apache-2.0
 *
 * A host in C: reads a WAV file, pushes it the way a call would deliver it, 20 ms at a time, and writes
 * every frame that becomes ready.
 *
 *   host PLAN SPEECH.wav PREFIX [FACE.ppm]     writes PREFIX-000000.ppm, ...; prints a line for each frame
 *
 * FACE.ppm is for plans that animate a portrait: the crop around a face, in the plan's size.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <talkrt/talkrt.h>

static void must(talkrt_status status, const char* doing) {
  if (status >= TALKRT_OK) return;
  fprintf(stderr, "%s: %s: %s\n", doing, talkrt_status_name(status), talkrt_last_error());
  exit(1);
}

static uint32_t little_endian(const unsigned char* bytes, int count) {
  uint32_t value = 0;
  while (count-- > 0) value = value << 8 | bytes[count];
  return value;
}

/* Mono 16-bit PCM only: what another format would need is a decoder, and hosts have theirs. */
static float* read_wav(const char* path, size_t* count, int32_t* sample_rate) {
  FILE* file = fopen(path, "rb");
  unsigned char head[16];
  int known = 0;
  if (file == NULL || fread(head, 1, 12, file) != 12 || memcmp(head, "RIFF", 4) != 0 ||
      memcmp(head + 8, "WAVE", 4) != 0) {
    fprintf(stderr, "%s: not a WAV file that can be read\n", path);
    exit(1);
  }
  while (fread(head, 1, 8, file) == 8) {
    const uint32_t bytes = little_endian(head + 4, 4);
    if (memcmp(head, "fmt ", 4) == 0 && bytes >= 16 && fread(head, 1, 16, file) == 16) {
      known =
          little_endian(head, 2) == 1 && little_endian(head + 2, 2) == 1 && little_endian(head + 14, 2) == 16;
      *sample_rate = (int32_t)little_endian(head + 4, 4);
      fseek(file, (long)(bytes - 16 + bytes % 2), SEEK_CUR);
    } else if (memcmp(head, "data", 4) == 0 && known) {
      unsigned char* pcm = malloc(bytes + 1);
      float* samples = malloc((bytes / 2 + 1) * sizeof *samples);
      if (pcm == NULL || samples == NULL) break;
      *count = fread(pcm, 2, bytes / 2, file);
      for (size_t i = 0; i < *count; ++i) {
        const int32_t value = (int32_t)little_endian(pcm + 2 * i, 2);
        samples[i] = (float)(value < 32768 ? value : value - 65536) / 32768.0f;
      }
      free(pcm);
      fclose(file);
      return samples;
    } else {
      fseek(file, (long)(bytes + bytes % 2), SEEK_CUR);
    }
  }
  fprintf(stderr, "%s: no mono 16-bit PCM found\n", path);
  exit(1);
}

/* RGB8, as write_ppm writes it. */
static uint8_t* read_ppm(const char* path, talkrt_session_config* config) {
  FILE* file = fopen(path, "rb");
  int width = 0, height = 0;
  if (file != NULL && fscanf(file, "P6 %d %d 255%*c", &width, &height) == 2 && width > 0 && height > 0 &&
      width <= 8192 && height <= 8192) {
    const size_t bytes = (size_t)width * (size_t)height * 3;
    uint8_t* pixels = malloc(bytes);
    if (pixels != NULL && fread(pixels, 1, bytes, file) == bytes) {
      fclose(file);
      config->portrait = pixels;
      config->portrait_width = width;
      config->portrait_height = height;
      return pixels;
    }
  }
  fprintf(stderr, "%s: not a binary PPM file that can be read\n", path);
  exit(1);
}

static void write_ppm(const char* prefix, const talkrt_frame* frame) {
  char path[4096];
  snprintf(path, sizeof path, "%s-%06lld.ppm", prefix, (long long)frame->index);
  FILE* file = fopen(path, "wb");
  if (file == NULL) {
    perror(path);
    exit(1);
  }
  fprintf(file, "P6\n%d %d\n255\n", (int)frame->width, (int)frame->height);
  for (int32_t y = 0; y < frame->height; ++y) {
    const uint8_t* pixel = frame->pixels + y * frame->stride;
    for (int32_t x = 0; x < frame->width; ++x, pixel += 4)
      fwrite(pixel, 1, 3, file); /* RGBA8: alpha is left out */
  }
  fclose(file);
}

/* Every frame that the audio so far allows. */
static talkrt_status pull_frames(talkrt_session* session, const char* prefix) {
  talkrt_frame frame;
  talkrt_status status;
  talkrt_frame_init(&frame);
  while ((status = talkrt_session_pull(session, &frame)) == TALKRT_OK) {
    printf("frame %lld at sample %lld\n", (long long)frame.index, (long long)frame.audio_position);
    write_ppm(prefix, &frame);
    talkrt_frame_release(frame.slot);
  }
  must(status, "pull");
  return status;
}

int main(int argc, char** argv) {
  if (argc != 4 && argc != 5) {
    fprintf(stderr, "usage: %s PLAN SPEECH.wav PREFIX [FACE.ppm]\n", argv[0]);
    return 2;
  }
  size_t count = 0;
  int32_t sample_rate = 0;
  float* samples = read_wav(argv[2], &count, &sample_rate);

  talkrt_engine* engine;
  talkrt_model* model;
  talkrt_session* session;
  talkrt_session_config config;
  talkrt_session_config_init(&config);
  uint8_t* portrait = argc == 5 ? read_ppm(argv[4], &config) : NULL;
  must(talkrt_engine_create(NULL, &engine), "engine");
  must(talkrt_model_load(engine, argv[1], &model), "load");
  must(talkrt_session_create(model, &config, &session), "session");
  free(portrait);              /* the session has copied it */
  talkrt_model_release(model); /* the session keeps what it needs */
  talkrt_engine_release(engine);

  const size_t piece = (size_t)sample_rate / 50; /* 20 ms */
  for (size_t at = 0; at < count;) {
    const size_t wanted = count - at < piece ? count - at : piece;
    size_t accepted = 0;
    must(talkrt_session_push_audio(session, samples + at, wanted, sample_rate, &accepted), "push");
    at += accepted;
    pull_frames(session, argv[3]);
  }
  must(talkrt_session_finish_audio(session), "finish");
  pull_frames(session, argv[3]);

  talkrt_session_release(session);
  free(samples);
  return 0;
}
