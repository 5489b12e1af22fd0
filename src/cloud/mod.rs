//! The user's account over HTTPS: one typed call a function. It knows no files, no devices and no
//! order of steps.
