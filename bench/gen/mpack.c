#include "mpack.h"

#include <string.h>

#include "net.h"

static void put_bytes(struct mpack_writer *w, const void *data, size_t len)
{
    if (w->len + len > w->cap)
        fail("a message is larger than %zu bytes", w->cap);
    memcpy(w->data + w->len, data, len);
    w->len += len;
}

static void put_tagged(struct mpack_writer *w, uint8_t tag, uint64_t value, int bytes)
{
    uint8_t raw[9] = {tag};
    for (int i = 0; i < bytes; i++)
        raw[1 + i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
    put_bytes(w, raw, (size_t)bytes + 1);
}

void mpack_put_array(struct mpack_writer *w, uint32_t count)
{
    if (count < 16)
        put_tagged(w, (uint8_t)(0x90 | count), 0, 0);
    else
        put_tagged(w, 0xdd, count, 4);
}

void mpack_put_map(struct mpack_writer *w, uint32_t count)
{
    if (count < 16)
        put_tagged(w, (uint8_t)(0x80 | count), 0, 0);
    else
        put_tagged(w, 0xdf, count, 4);
}

void mpack_put_uint(struct mpack_writer *w, uint64_t value)
{
    if (value < 128)
        put_tagged(w, (uint8_t)value, 0, 0);
    else if (value < 1u << 16)
        put_tagged(w, 0xcd, value, 2);
    else if (value <= UINT32_MAX)
        put_tagged(w, 0xce, value, 4);
    else
        put_tagged(w, 0xcf, value, 8);
}

void mpack_put_str_n(struct mpack_writer *w, const void *text, size_t len)
{
    if (len < 32)
        put_tagged(w, (uint8_t)(0xa0 | len), 0, 0);
    else if (len < 256)
        put_tagged(w, 0xd9, len, 1);
    else
        put_tagged(w, 0xda, len, 2);
    put_bytes(w, text, len);
}

void mpack_put_str(struct mpack_writer *w, const char *text)
{
    mpack_put_str_n(w, text, strlen(text));
}

/* A value's head: its kind, and its number (value, length or count). */
enum kind { KIND_BAD, KIND_UINT, KIND_SCALAR, KIND_BYTES, KIND_STR, KIND_ARRAY, KIND_MAP };

struct head {
    enum kind kind;
    uint64_t number;
};

static struct head broken(struct mpack_reader *r)
{
    r->bad = true;
    return (struct head){KIND_BAD, 0};
}

static struct head take_number(struct mpack_reader *r, enum kind kind, int bytes)
{
    if (r->end - r->at < bytes)
        return broken(r);
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++)
        value = value << 8 | *r->at++;
    return (struct head){kind, value};
}

static struct head take_fixed(struct mpack_reader *r, size_t bytes)
{
    if ((size_t)(r->end - r->at) < bytes)
        return broken(r);
    r->at += bytes;
    return (struct head){KIND_SCALAR, 0};
}

static struct head take_extension(struct mpack_reader *r, int length_bytes)
{
    struct head head = take_number(r, KIND_BYTES, length_bytes);
    head.number += 1; /* the type byte */
    return head;
}

static struct head take_head(struct mpack_reader *r)
{
    if (r->bad || r->at >= r->end)
        return broken(r);
    uint8_t tag = *r->at++;
    if (tag < 0x80)
        return (struct head){KIND_UINT, tag};
    if (tag < 0x90)
        return (struct head){KIND_MAP, tag & 15};
    if (tag < 0xa0)
        return (struct head){KIND_ARRAY, tag & 15};
    if (tag < 0xc0)
        return (struct head){KIND_STR, tag & 31};
    if (tag >= 0xe0)
        return (struct head){KIND_SCALAR, 0};
    switch (tag) {
    case 0xc0: case 0xc2: case 0xc3: return (struct head){KIND_SCALAR, 0};
    case 0xc4: case 0xc5: case 0xc6: return take_number(r, KIND_BYTES, 1 << (tag - 0xc4));
    case 0xc7: case 0xc8: case 0xc9: return take_extension(r, 1 << (tag - 0xc7));
    case 0xca: return take_fixed(r, 4);
    case 0xcb: return take_fixed(r, 8);
    case 0xcc: case 0xcd: case 0xce: case 0xcf: return take_number(r, KIND_UINT, 1 << (tag - 0xcc));
    case 0xd0: case 0xd1: case 0xd2: case 0xd3: return take_fixed(r, (size_t)1 << (tag - 0xd0));
    case 0xd4: case 0xd5: case 0xd6: case 0xd7: case 0xd8: return take_fixed(r, ((size_t)1 << (tag - 0xd4)) + 1);
    case 0xd9: case 0xda: case 0xdb: return take_number(r, KIND_STR, 1 << (tag - 0xd9));
    case 0xdc: case 0xdd: return take_number(r, KIND_ARRAY, tag == 0xdc ? 2 : 4);
    case 0xde: case 0xdf: return take_number(r, KIND_MAP, tag == 0xde ? 2 : 4);
    default: return broken(r);
    }
}

static uint64_t take_expected(struct mpack_reader *r, enum kind kind)
{
    struct head head = take_head(r);
    if (head.kind != kind) {
        r->bad = true;
        return 0;
    }
    return head.number;
}

uint32_t mpack_take_array(struct mpack_reader *r)
{
    return (uint32_t)take_expected(r, KIND_ARRAY);
}

uint32_t mpack_take_map(struct mpack_reader *r)
{
    return (uint32_t)take_expected(r, KIND_MAP);
}

uint64_t mpack_take_uint(struct mpack_reader *r)
{
    return take_expected(r, KIND_UINT);
}

struct mpack_text mpack_take_str(struct mpack_reader *r)
{
    uint64_t len = take_expected(r, KIND_STR);
    if (r->bad || (uint64_t)(r->end - r->at) < len) {
        r->bad = true;
        return (struct mpack_text){"", 0};
    }
    struct mpack_text text = {(const char *)r->at, (size_t)len};
    r->at += len;
    return text;
}

void mpack_skip(struct mpack_reader *r)
{
    /* Counts the values still to pass, so that nesting needs no recursion. */
    for (uint64_t left = 1; left > 0 && !r->bad; left--) {
        struct head head = take_head(r);
        if (head.kind == KIND_ARRAY)
            left += head.number;
        else if (head.kind == KIND_MAP)
            left += 2 * head.number;
        else if (head.kind == KIND_STR || head.kind == KIND_BYTES) {
            if ((uint64_t)(r->end - r->at) < head.number)
                r->bad = true;
            else
                r->at += head.number;
        }
    }
}

bool mpack_is_map(const struct mpack_reader *r)
{
    return !r->bad && r->at < r->end && ((*r->at & 0xf0) == 0x80 || *r->at == 0xde || *r->at == 0xdf);
}

bool mpack_is_array(const struct mpack_reader *r)
{
    return !r->bad && r->at < r->end && ((*r->at & 0xf0) == 0x90 || *r->at == 0xdc || *r->at == 0xdd);
}

bool mpack_find(struct mpack_reader *r, const char *key)
{
    if (!mpack_is_map(r))
        return false;
    uint32_t count = mpack_take_map(r);
    for (uint32_t i = 0; i < count && !r->bad; i++) {
        if (mpack_text_is(mpack_take_str(r), key))
            return !r->bad;
        mpack_skip(r);
    }
    return false;
}

bool mpack_text_is(struct mpack_text text, const char *expected)
{
    return strlen(expected) == text.len && memcmp(text.data, expected, text.len) == 0;
}
