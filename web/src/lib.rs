//! Gnomon's console.
