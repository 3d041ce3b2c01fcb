//! What a secret backend must promise
