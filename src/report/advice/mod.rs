//! Maps an error of the layers below to its id and the advice for this run. No match has a wildcard over
//! errors, so a new kind of error does not compile without an id.

mod account;
mod bluetooth;
mod causes;
mod cloud;
mod device;
mod flow;
mod interfaces;
mod search;

#[cfg(test)]
mod tests;
