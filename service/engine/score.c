#include "service/engine/engine.h"
typedef int lf_empty_score;
