#include "proto/status.h"
typedef int lf_empty_status;
