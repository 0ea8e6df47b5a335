# Where Pagure's requests come in. IAM checks the signature and whether the caller may.

locals {
  is_url    = var.front_door == "function-url"
  api_arn   = local.is_url ? "" : aws_apigatewayv2_api.trigger[0].execution_arn
  front_url = local.is_url ? aws_lambda_function_url.trigger[0].function_url : aws_apigatewayv2_api.trigger[0].api_endpoint
}

resource "aws_lambda_function_url" "trigger" {
  count = local.is_url ? 1 : 0

  function_name      = aws_lambda_function.this["trigger"].function_name
  authorization_type = "AWS_IAM"

  lifecycle {
    precondition {
      condition     = !contains(var.regions_without_function_urls, local.region)
      error_message = "The region ${local.region} has no Lambda function URLs; write front_door = \"http-api\", or choose another region."
    }
  }
}

resource "aws_apigatewayv2_api" "trigger" {
  count = local.is_url ? 0 : 1

  name          = var.name_prefix
  description   = "Takes Pagure's requests."
  protocol_type = "HTTP"
  tags          = var.tags
}

resource "aws_apigatewayv2_integration" "trigger" {
  count = local.is_url ? 0 : 1

  api_id                 = aws_apigatewayv2_api.trigger[0].id
  integration_type       = "AWS_PROXY"
  integration_method     = "POST"
  integration_uri        = aws_lambda_function.this["trigger"].arn
  payload_format_version = "2.0"
}

resource "aws_apigatewayv2_route" "trigger" {
  count = local.is_url ? 0 : 1

  api_id             = aws_apigatewayv2_api.trigger[0].id
  route_key          = "POST /"
  authorization_type = "AWS_IAM"
  target             = "integrations/${aws_apigatewayv2_integration.trigger[0].id}"
}

resource "aws_apigatewayv2_stage" "trigger" {
  count = local.is_url ? 0 : 1

  api_id      = aws_apigatewayv2_api.trigger[0].id
  name        = "$default"
  auto_deploy = true
  tags        = var.tags
}

resource "aws_lambda_permission" "api" {
  count = local.is_url ? 0 : 1

  statement_id  = "AllowTheApi"
  function_name = aws_lambda_function.this["trigger"].function_name
  action        = "lambda:InvokeFunction"
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.trigger[0].execution_arn}/$default/POST/*"
}
