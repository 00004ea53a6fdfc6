#include "proto/wire.h"
typedef int lf_empty_methods;
