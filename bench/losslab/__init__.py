"""The loss lab: real clients talk through an emulated bad network, and what arrives is scored (``make losslab``)."""
