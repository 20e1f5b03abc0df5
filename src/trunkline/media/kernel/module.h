/* What the files that know Python share. */
#ifndef TRUNKLINE_MODULE_H
#define TRUNKLINE_MODULE_H

#ifndef PY_SSIZE_T_CLEAN
#define PY_SSIZE_T_CLEAN
#endif
#include <Python.h>

extern PyTypeObject PortType;   /* module_port.c */
struct reported;
/* module_peers.c: [(number, sent_s, size_bytes, arrived_us or None, cluster, copies, again, known)]. */
PyObject *list_reported(const struct reported *found, size_t count);
int add_twins(PyObject *module); /* module_twins.c: what is there for its tests */

#endif
