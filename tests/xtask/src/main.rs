//! The test command of this repository.

fn main() {}
