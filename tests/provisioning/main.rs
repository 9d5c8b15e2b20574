//! Assets and the embedded database as a whole: real programs, real packages, and faults that are made on purpose.

mod assets;
mod postgres;
