//! The kind of an error: its id, exit code and explanation. The rows of `table` define the ids; a row
//! without a text does not compile.

use super::context::Context;
use super::exit::Exit;
use super::remedy::Remedy;

/// The explanation of an error id.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ErrorEntry {
    /// The exit code, unless the step decides.
    pub exit: Exit,
    /// All exit codes; several if the code depends on the step that was cut short.
    pub exits: &'static [Exit],
    /// The meaning, in a sentence.
    pub title: &'static str,
    /// The usual reasons.
    pub why: &'static str,
    /// The remedies, the most useful first.
    pub(super) remedies: &'static [Remedy],
}

impl ErrorEntry {
    /// The hints for this run.
    pub(super) fn hints(&self, context: &Context) -> Vec<String> {
        let remedies = self.remedies.iter();
        remedies.filter_map(|remedy| remedy.hint(context)).collect()
    }

    /// All remedies, as sentences with their conditions.
    pub(crate) fn describe_remedies(&self) -> Vec<String> {
        self.remedies.iter().map(Remedy::sentence).collect()
    }
}

/// A row of the table: `Id [exit codes] "title" "why" remedies;`, sorted by id.
macro_rules! errors {
    ($($id:ident [$exit:ident $(, $other:ident)*] $title:literal $why:literal $($remedy:expr),+;)+) => {
        /// The kind of an error. Its id is its name in kebab case. Stable: scripts compare it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[derive(serde::Serialize, strum::Display, strum::IntoStaticStr, strum::VariantArray)]
        #[strum(serialize_all = "kebab-case", const_into_str)]
        #[serde(rename_all = "kebab-case")]
        pub(crate) enum ErrorId {
            $(#[doc = $title] $id,)+
        }

        impl ErrorId {
            /// All ids, sorted.
            pub(crate) const ALL: &[Self] = <Self as strum::VariantArray>::VARIANTS;

            /// The general explanation.
            pub(crate) const fn entry(self) -> ErrorEntry {
                match self {
                    $(Self::$id => ErrorEntry {
                        exit: Exit::$exit,
                        exits: &[Exit::$exit $(, Exit::$other)*],
                        title: $title,
                        why: $why,
                        remedies: const { &[$($remedy),+] },
                    },)+
                }
            }
        }
    };
}

pub(super) use errors;
