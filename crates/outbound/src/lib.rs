#![doc = include_str!("../README.md")]

mod address;
mod answer;
mod backoff;
mod destination;
pub mod guard;
mod policy;
mod problem;
mod refused;
mod region;
mod resolve;
mod sender;
mod sign;
mod transport;
mod verdict;

pub use answer::{Answer, Failure, Stage};
pub use backoff::{Backoff, NotBefore};
pub use destination::{Authentication, AwsKey, Destination, MAX_URL_BYTES};
pub use guard::Guard;
pub use policy::{BadEntry, Policy};
pub use refused::{Audience, Field, Refused, Setting};
pub use resolve::{Resolve, SystemResolver};
pub use sender::{Message, Sender, Timeouts, USER_AGENT};
pub use sign::Unsendable;
pub use transport::{MAX_ANSWER_BYTES, Wire};
pub use verdict::Verdict;
