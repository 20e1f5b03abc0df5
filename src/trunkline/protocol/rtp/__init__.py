"""RTP and RTCP as bytes: packets, header extensions, reports, feedback, RED and what codecs say in their payloads.

Not here: encryption (``media/sfu/srtp``), who gets which packet (``media/sfu``).
"""
