object 0f76d206e56ebb055255433db2c86d0b1e2f648f
type commit
tag v3.0.0
tagger Ada <ada@example.com> 1748736000 +0000

unsigned
