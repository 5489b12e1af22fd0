//! A cloud that is not there: the account API of a classic RainMaker deployment on a loopback
//! port, which really checks tokens and signatures. Not a stand-in for its data: it forgets
//! everything when it ends.
