//! Function `trigger`: takes Pagure's requests and starts builds.

use chela_aws::Trigger;
use lambda_runtime::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    chela_lambda::log();
    let trigger = Trigger::from_environment();
    chela_lambda::serve(async |event, deadline| {
        // Boxed, because the compiler cannot see through so many layers of futures.
        Ok(Box::pin(trigger.handle(event, deadline)).await)
    })
    .await
}
