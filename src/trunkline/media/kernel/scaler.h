/* Spatial layers of scalable video, and which of them a subscriber is sent. The twin is media/sfu/scaler. */
#ifndef TRUNKLINE_SCALER_H
#define TRUNKLINE_SCALER_H

#include "kernel.h"

struct scaling { /* of one source */
    struct dependencies structure;
    uint8_t top;
};

struct part { /* what a packet is of */
    bool known, begins, ends, free, has_frame, base; /* ``base``: all others depend on it */
    uint8_t spatial;
    uint16_t frame;
};

struct scaler { /* of one subscriber */
    int present; /* -1 before the first */
    uint16_t offset, highest;
    bool has_highest;
};

struct verdict {
    bool sent, last, asks;
};

void part_read(struct scaling *scaling, enum codec codec, struct span payload, struct span descriptor, struct part *part);
void scaler_begin(struct scaler *scaler, const struct part *part);
struct verdict scaler_take(struct scaler *scaler, const struct part *part, int wanted, int top, bool newest);
uint16_t scaler_renumber(struct scaler *scaler, uint16_t frame);

#endif
