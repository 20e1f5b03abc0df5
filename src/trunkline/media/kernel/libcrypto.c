/* OpenSSL's libcrypto, found at run time: no headers are needed to build, and one build serves several versions. */
#include "kernel.h"

#include <dlfcn.h>
#include <string.h>

struct libcrypto libcrypto;

static const char *const NAMES[] = {"libcrypto.so.3", "libcrypto.so.1.1", "libcrypto.so"};

struct symbol {
    const char *name;
    size_t place;
};

#define PLACE(member) offsetof(struct libcrypto, member)

static const struct symbol SYMBOLS[] = {
    {"EVP_CIPHER_CTX_new", PLACE(cipher_new)},     {"EVP_CIPHER_CTX_free", PLACE(cipher_free)},
    {"EVP_CipherInit_ex", PLACE(cipher_init)},     {"EVP_CipherUpdate", PLACE(cipher_update)},
    {"EVP_CipherFinal_ex", PLACE(cipher_final)},   {"EVP_CIPHER_CTX_ctrl", PLACE(cipher_ctrl)},
    {"EVP_aes_128_ctr", PLACE(aes_128_ctr)},       {"EVP_aes_128_gcm", PLACE(aes_128_gcm)},
    {"SHA1_Init", PLACE(sha1_init)},               {"SHA1_Update", PLACE(sha1_update)},
    {"SHA1_Final", PLACE(sha1_final)},
};

const char *libcrypto_load(void)
{
    if (libcrypto.sha1_final)
        return NULL;
    void *library = NULL;
    for (size_t i = 0; !library && i < sizeof NAMES / sizeof *NAMES; i++)
        library = dlopen(NAMES[i], RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return "OpenSSL's libcrypto is not installed";
    struct libcrypto found;
    for (size_t i = 0; i < sizeof SYMBOLS / sizeof *SYMBOLS; i++) {
        void *symbol = dlsym(library, SYMBOLS[i].name);
        if (!symbol) {
            dlclose(library);
            return "OpenSSL's libcrypto is of an unknown version";
        }
        memcpy((char *)&found + SYMBOLS[i].place, &symbol, sizeof symbol);
    }
    libcrypto = found; /* the library stays loaded */
    return NULL;
}
