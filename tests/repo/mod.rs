//! The repository's own shape: layers, files, documents. What the program does is tested elsewhere.

mod docs;
mod layering;
mod source_files;
