#include "storage/tlog/proof.h"
