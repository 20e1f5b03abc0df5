"""The commands of the ``trunkline`` command line, one module each: ``add(commands)`` and a ``run(options)``."""
