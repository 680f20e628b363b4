//! The plan: what turns live into declared, and what is not done and why.
