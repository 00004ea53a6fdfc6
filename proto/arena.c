#include "proto/arena.h"
typedef int lf_empty_arena;
