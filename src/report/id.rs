//! The kind of an error: its id, exit code and explanation. The rows of `table` define the ids; a row
//! without a text does not compile.

use super::context::Context;
use super::exit::Exit;
use super::hint::Hint;
use super::remedy::Remedy;

/// The explanation of an error id.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ErrorEntry {
    /// The exit code; several if it depends on the step that was cut short.
    pub exits: &'static [Exit],
    /// The meaning, in a sentence.
    pub title: &'static str,
    /// The usual reasons.
    pub why: &'static str,
    /// The remedies, the most useful first.
    pub(super) remedies: &'static [Remedy],
}

impl ErrorEntry {
    /// The remedies that apply to this run.
    pub(super) fn hints(&self, context: &Context) -> Vec<Hint> {
        let remedies = self
            .remedies
            .iter()
            .filter(|remedy| remedy.applies(context));
        remedies.map(|remedy| remedy.hint(context)).collect()
    }

    /// All remedies, as sentences with their conditions.
    pub(crate) fn describe_remedies(&self) -> Vec<String> {
        self.remedies.iter().map(Remedy::sentence).collect()
    }
}

/// One line of the table: `Variant "id" [exit codes] "title" "why" [remedies];`, sorted by id.
macro_rules! errors {
    ($($id:ident $name:literal [$($exit:ident),+] $title:literal $why:literal [$($remedy:expr),+ $(,)?];)+) => {
        /// The kind of an error. Stable: scripts compare it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum ErrorId {
            $(#[doc = $title] $id,)+
        }

        impl ErrorId {
            /// All ids, sorted.
            pub(crate) const ALL: &[Self] = &[$(Self::$id),+];

            /// The id in kebab case, as scripts see it.
            pub(crate) const fn as_str(self) -> &'static str {
                match self { $(Self::$id => $name,)+ }
            }

            /// The general explanation.
            pub(crate) const fn entry(self) -> ErrorEntry {
                match self {
                    $(Self::$id => ErrorEntry {
                        exits: &[$(Exit::$exit),+],
                        title: $title,
                        why: $why,
                        remedies: const { &[$($remedy),+] },
                    },)+
                }
            }

            /// The exit code, unless the step decides.
            pub(crate) const fn exit(self) -> Exit {
                match self { $(Self::$id => first([$(Exit::$exit),+]),)+ }
            }
        }

        impl serde::Serialize for ErrorId {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(self.as_str())
            }
        }

        impl std::fmt::Display for ErrorId {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

pub(super) use errors;

pub(super) const fn first<const N: usize>(exits: [Exit; N]) -> Exit {
    let [exit, ..] = exits.as_slice() else {
        return Exit::Fault;
    };
    *exit
}
