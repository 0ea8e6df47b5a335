//! Function `report`: tells Pagure what becomes of builds.

use chela_aws::report::Reports;
use lambda_runtime::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    chela_lambda::log();
    let reports = Reports::from_environment();
    chela_lambda::serve(async |event, deadline| {
        // Said at each invocation: a process that ends at once would only say that it has ended.
        let reports = reports.as_ref().map_err(ToString::to_string)?;
        // Boxed, because the compiler cannot see through so many layers of futures.
        Ok(Box::pin(reports.handle(event, deadline)).await?)
    })
    .await
}
