//! Every way in which a run can end badly, as one table: id, exit code, and what `explain` says
//! about it. What happened in one particular run, and the advice for it, is `failure`'s.
//!
//! An id that stands nowhere in this table cannot be used, and one without a text does not
//! compile. `docs/reference/errors.md` is printed from here.

use std::fmt;

use serde::{Serialize, Serializer};

pub(super) use self::table::ErrorId;
use super::exit::Exit;

/// What `explain` says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// The exit codes: one, but where it depends on the step that was cut short.
    pub(super) exits: &'static [Exit],
    /// What it means, in a sentence.
    pub(super) title: &'static str,
    /// Why it happens.
    pub(super) why: &'static str,
    /// What to do.
    pub(super) remedy: &'static str,
}

/// One line of the table: `Variant "id" [exit codes] "title" "why" "remedy";`, sorted by id.
macro_rules! errors {
    ($($id:ident $name:literal [$($exit:ident),+] $title:literal $why:literal $remedy:literal;)+) => {
        /// The kind of a failure. Stable: scripts compare it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(in crate::cli) enum ErrorId {
            $(#[doc = $title] $id,)+
        }

        impl ErrorId {
            /// Every one, sorted.
            pub(in crate::cli) const ALL: &[Self] = &[$(Self::$id),+];

            /// In kebab case, as scripts see it.
            pub(in crate::cli) const fn as_str(self) -> &'static str {
                match self { $(Self::$id => $name,)+ }
            }

            /// What there is to say about it.
            pub(in crate::cli) const fn entry(self) -> Entry {
                match self {
                    $(Self::$id => Entry {
                        exits: &[$(Exit::$exit),+],
                        title: $title,
                        why: $why,
                        remedy: $remedy,
                    },)+
                }
            }

            /// Its exit code, where the step does not decide.
            pub(in crate::cli) const fn exit(self) -> Exit {
                match self { $(Self::$id => first([$(Exit::$exit),+]),)+ }
            }
        }
    };
}

// After the macro, which it uses.
mod table;

const fn first<const N: usize>(exits: [Exit; N]) -> Exit {
    let [exit, ..] = exits.as_slice() else {
        return Exit::Fault;
    };
    *exit
}

impl Serialize for ErrorId {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

impl fmt::Display for ErrorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_says_everything() {
        assert!(ErrorId::ALL.is_sorted_by(|a, b| a.as_str() < b.as_str()));
        for id in ErrorId::ALL {
            let Entry {
                exits,
                title,
                why,
                remedy,
            } = id.entry();
            assert_eq!(exits[0], id.exit());
            for text in [title, why, remedy] {
                assert!(text.len() > 15 && text.ends_with('.'), "{id}: {text:?}");
            }
            // `WrongPop` is `wrong-pop`, so that each is found by the other.
            let spelt = id.as_str().replace('-', "");
            assert_eq!(format!("{id:?}").to_lowercase(), spelt);
        }
    }
}
