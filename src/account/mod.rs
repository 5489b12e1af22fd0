//! Which account a command acts for: profiles (which cloud) and tokens (which user) on disk, in
//! the files and the layout of esp-rainmaker-cli, so that a login there counts here and the other
//! way round. Not the cloud's calls, which are `cloud`'s, nor what is typed, which is `cli`'s.
