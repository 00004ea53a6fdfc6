#include "proto/frame.h"
typedef int lf_empty_frame;
