object 0f76d206e56ebb055255433db2c86d0b1e2f648f
type commit
tag v1.0.0
tagger Ada <ada@example.com> 1748736000 +0000

the first
-----BEGIN PGP SIGNATURE-----

iHUEABYIAB0WIQSbtgNCVlEFrb4MVKeAocDav4l86gUCaDuYAAAKCRCAocDav4l8
6pVEAP4jhXxSB8na63GDVtZHNntOIKd1+IWLAvyf9mqAT8nb6gEAqcVIxzmrCJJu
FM5r1beSyyEx0ymC4Y4hEAexLQV9rw0=
=ShSh
-----END PGP SIGNATURE-----
