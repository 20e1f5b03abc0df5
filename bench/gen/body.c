#include <string.h>

#include "net.h"
#include "workload.h"

static void put_hex(char *at, uint32_t value)
{
    for (int i = 7; i >= 0; i--, value >>= 4)
        at[i] = "0123456789abcdef"[value & 15];
}

static bool take_hex(const char *at, uint32_t *value)
{
    *value = 0;
    for (int i = 0; i < 8; i++) {
        char c = at[i];
        if (c >= '0' && c <= '9')
            *value = *value << 4 | (uint32_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            *value = *value << 4 | (uint32_t)(c - 'a' + 10);
        else
            return false;
    }
    return true;
}

void body_write(char *body, uint32_t len, struct body_id id)
{
    if (len < BODY_HEADER)
        fail("a body needs %d bytes", BODY_HEADER);
    body[0] = '#';
    put_hex(body + 1, id.sender);
    body[9] = '.';
    put_hex(body + 10, id.number);
    body[18] = '#';
    memset(body + BODY_HEADER, 'y', len - BODY_HEADER);
}

bool body_read(const char *body, uint64_t len, struct body_id *id)
{
    return len >= BODY_HEADER && body[0] == '#' && body[9] == '.' && body[18] == '#' && take_hex(body + 1, &id->sender)
           && take_hex(body + 10, &id->number);
}
