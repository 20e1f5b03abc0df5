/* Writing MessagePack, byte for byte as msgspec does: the shortest form of everything. The caller has made room. */
#ifndef TRUNKLINE_PUT_H
#define TRUNKLINE_PUT_H

#include <stdint.h>
#include <string.h>

static inline uint8_t *put_big_endian(uint8_t *at, uint64_t value, int size)
{
    uint64_t swapped = __builtin_bswap64(value << (64 - 8 * size));
    memcpy(at, &swapped, (size_t)size);
    return at + size;
}

static inline uint8_t *put_uint(uint8_t *at, uint64_t value)
{
    if (value < 0x80) {
        *at++ = (uint8_t)value;
        return at;
    }
    if (value <= UINT8_MAX) {
        *at++ = 0xcc, *at++ = (uint8_t)value;
        return at;
    }
    if (value <= UINT16_MAX) {
        *at++ = 0xcd;
        return put_big_endian(at, value, 2);
    }
    if (value <= UINT32_MAX) {
        *at++ = 0xce;
        return put_big_endian(at, value, 4);
    }
    *at++ = 0xcf;
    return put_big_endian(at, value, 8);
}

static inline uint8_t *put_bytes(uint8_t *at, const void *data, size_t size)
{
    memcpy(at, data, size);
    return at + size;
}

static inline uint8_t *put_str(uint8_t *at, const char *text, size_t size)
{
    if (size < 32)
        *at++ = (uint8_t)(0xa0 | size);
    else if (size <= UINT8_MAX)
        *at++ = 0xd9, *at++ = (uint8_t)size;
    else if (size <= UINT16_MAX)
        *at++ = 0xda, at = put_big_endian(at, size, 2);
    else
        *at++ = 0xdb, at = put_big_endian(at, size, 4);
    return put_bytes(at, text, size);
}

#define put_word(at, word) put_str(at, word, sizeof(word) - 1)

static inline uint8_t *put_bin(uint8_t *at, const void *data, size_t size)
{
    if (size <= UINT8_MAX)
        *at++ = 0xc4, *at++ = (uint8_t)size;
    else if (size <= UINT16_MAX)
        *at++ = 0xc5, at = put_big_endian(at, size, 2);
    else
        *at++ = 0xc6, at = put_big_endian(at, size, 4);
    return put_bytes(at, data, size);
}

static inline uint8_t *put_array_head(uint8_t *at, size_t count)
{
    if (count < 16)
        *at++ = (uint8_t)(0x90 | count);
    else if (count <= UINT16_MAX)
        *at++ = 0xdc, at = put_big_endian(at, count, 2);
    else
        *at++ = 0xdd, at = put_big_endian(at, count, 4);
    return at;
}

#endif
