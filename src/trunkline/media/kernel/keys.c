/* Session keys from master keys: AES in counter mode as the pseudo-random function (RFC 3711 section 4.3.3). */
#include "kernel.h"

#include <string.h>

enum { LABEL_PLACE = 7, MAX_DERIVED_BYTES = 128 };

size_t salt_size(enum profile profile)
{
    return profile == AEAD_AES_128_GCM ? 12 : 14;
}

bool derive(const uint8_t *key, const uint8_t *salt, size_t salt_bytes, uint8_t label, uint8_t *out, size_t size)
{
    static const uint8_t zeros[MAX_DERIVED_BYTES];
    uint8_t counter[KEY_BYTES] = {0};
    int written = 0;
    if (size > MAX_DERIVED_BYTES || salt_bytes > MAX_SALT_BYTES)
        return false;
    memcpy(counter, salt, salt_bytes); /* 96-bit salts count as if followed by zeros (RFC 7714 section 11) */
    counter[LABEL_PLACE] ^= label;
    void *cipher = libcrypto.cipher_new();
    bool done = cipher && libcrypto.cipher_init(cipher, libcrypto.aes_128_ctr(), NULL, key, counter, 1) == 1 &&
                libcrypto.cipher_update(cipher, out, &written, zeros, (int)size) == 1 && written == (int)size;
    libcrypto.cipher_free(cipher);
    return done;
}

bool derive_keys(enum profile profile, const uint8_t *master, uint8_t first_label, struct session_keys *keys)
{
    const uint8_t *salt = master + KEY_BYTES;
    size_t salt_bytes = salt_size(profile);
    return derive(master, salt, salt_bytes, first_label, keys->key, KEY_BYTES) &&
           derive(master, salt, salt_bytes, first_label + 1, keys->auth, AUTH_KEY_BYTES) &&
           derive(master, salt, salt_bytes, first_label + 2, keys->salt, salt_bytes);
}
