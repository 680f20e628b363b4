//! What a release is installed from: made of deploy/, fresh, and the same whichever way it is rendered.

mod chart;
mod dashboard;
mod dockerfile;
mod generated;
mod helm;
mod programs;
mod release;
mod rendered;
mod schemas;
mod shipped;
