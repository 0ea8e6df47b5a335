//! A request's body: what is read is written and read again alike.
#![no_main]

use chela_contract::BuildRequest;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let Ok(request) = BuildRequest::from_body(body) else {
        return;
    };
    let again = BuildRequest::from_body(request.to_body().as_bytes());
    assert_eq!(again.as_ref(), Ok(&request));
});
