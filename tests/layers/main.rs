//! What comes along with each layer.
