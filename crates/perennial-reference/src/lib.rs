//! The grammar of secret references: text to reference and back
