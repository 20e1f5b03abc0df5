/* MessagePack, the part the link needs: writing to a bounded buffer, reading with a cursor.
 *
 * Lives here: the format. Does not: know frames or field names.
 */
#ifndef BENCH_MPACK_H
#define BENCH_MPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mpack_writer {
    uint8_t *data;
    size_t len, cap;
};

void mpack_put_array(struct mpack_writer *w, uint32_t count);
void mpack_put_map(struct mpack_writer *w, uint32_t count);
void mpack_put_uint(struct mpack_writer *w, uint64_t value);
void mpack_put_str(struct mpack_writer *w, const char *text);
void mpack_put_str_n(struct mpack_writer *w, const void *text, size_t len);

/* A failed read sets `bad`; every later read then returns 0 or an empty text. */
struct mpack_reader {
    const uint8_t *at, *end;
    bool bad;
};

struct mpack_text {
    const char *data;
    size_t len;
};

uint32_t mpack_take_array(struct mpack_reader *r);
uint32_t mpack_take_map(struct mpack_reader *r);
uint64_t mpack_take_uint(struct mpack_reader *r);
struct mpack_text mpack_take_str(struct mpack_reader *r);
void mpack_skip(struct mpack_reader *r);

/* Moves a reader that stands at a map to the value under a key; false when there is none. */
bool mpack_find(struct mpack_reader *r, const char *key);

bool mpack_is_map(const struct mpack_reader *r);
bool mpack_is_array(const struct mpack_reader *r);
bool mpack_text_is(struct mpack_text text, const char *expected);

#endif
