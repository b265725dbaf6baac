// Shows /openapi.json. Nothing is fetched from anywhere else: the edge's Content-Security-Policy would refuse it.
window.ui = SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#api",
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  filter: true,
  persistAuthorization: false, // tokens are forgotten with the page
  tagsSorter: "alpha",
  tryItOutEnabled: false,
  validatorUrl: null, // the default sends the document to a public validator
});
