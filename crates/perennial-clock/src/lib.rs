//! What a moment is: time as an argument
