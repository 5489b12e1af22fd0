//! What other programs can see of this process's memory.

/// Keeps secrets out of core dumps, and out of reach of other programs of the same user. This is a best
/// effort: a system that does not support it goes without, and root sees everything.
pub(crate) fn protect_memory() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let limit = Rlimit {
            current: Some(0),
            ..getrlimit(Resource::Core)
        };
        if let Err(error) = setrlimit(Resource::Core, limit) {
            tracing::debug!(%error, "setting the limit of core dumps");
        }
    }
    // The limit does not apply to a handler that receives the dump over a pipe (core(5)).
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
            tracing::debug!(%error, "forbidding core dumps");
        }
    }
}
