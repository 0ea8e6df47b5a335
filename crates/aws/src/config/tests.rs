use super::*;

mod map;
mod variables;

const HELLO: &str = "arn:aws:iam::123456789012:user/pagure-demo-hello";
const DOCUMENTED: &str = r#"{
    "callers": {
        "arn:aws:iam::123456789012:user/pagure-demo-hello": {
            "demo/hello": {
                "strangers": "hold",
                "jobs": {
                    "codebuild/hello": {},
                    "codebuild/tests": {"name": "team-tests", "untrusted": "team-tests-forks"},
                    "codepipeline/release": {"name": "release"}
                }
            },
            "fork/ada/demo/hello": {"strangers": "refuse", "jobs": {"bare": {}}}
        },
        "arn:aws-cn:iam::123456789012:user/forges/pagure": {"other": {"jobs": {"codepipeline/a": {}}}}
    }
}"#;
