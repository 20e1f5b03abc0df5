/* How steadily the frames of a video source arrive. The twin, with the reasons, is protocol/rtp/smoothness. */
#include "thread.h"

#define FREEZE_FACTOR 3.0
#define FREEZE_S 0.15
#define PAUSE_S 5.0
#define SMOOTHING (1.0 / 30)

void smoothness_on_packet(struct smoothness *smoothness, uint32_t timestamp, double now_s)
{
    uint32_t ahead = timestamp - smoothness->timestamp;
    if (smoothness->frames && (!ahead || ahead >= UINT32_C(1) << 31))
        return;
    double took_s = now_s - smoothness->began_s, usual_s = smoothness->usual_s;
    if (smoothness->frames && took_s < PAUSE_S) {
        double most_s = FREEZE_FACTOR * usual_s > usual_s + FREEZE_S ? FREEZE_FACTOR * usual_s : usual_s + FREEZE_S;
        if (smoothness->has_usual && took_s > most_s) {
            smoothness->freezes++;
            smoothness->frozen_s += took_s;
        } else {
            smoothness->usual_s = smoothness->has_usual ? usual_s + (took_s - usual_s) * SMOOTHING : took_s;
            smoothness->has_usual = true;
        }
    }
    smoothness->frames++;
    smoothness->timestamp = timestamp;
    smoothness->began_s = now_s;
}
