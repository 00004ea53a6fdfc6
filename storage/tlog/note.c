#include "storage/tlog/note.h"
