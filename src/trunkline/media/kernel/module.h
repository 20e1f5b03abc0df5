/* What the files that know Python share. */
#ifndef TRUNKLINE_MODULE_H
#define TRUNKLINE_MODULE_H

#ifndef PY_SSIZE_T_CLEAN
#define PY_SSIZE_T_CLEAN
#endif
#include <Python.h>

extern PyTypeObject PortType;   /* module_port.c */
int add_twins(PyObject *module); /* module_twins.c: what is there for its tests */

#endif
