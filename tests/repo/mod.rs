//! The repository's own shape: layers, files, documents. What the program does is tested elsewhere.

mod cycles;
mod docs;
mod imports;
mod layering;
mod source_files;
mod words;
