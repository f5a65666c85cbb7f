"""serve_script.py SCRIPT MODEL PORT: the four functions of a script behind FastAPI, served by uvicorn
with two workers, as whoever leaves SageMaker would write it."""

import os
import sys

import uvicorn
from fastapi import FastAPI, Request, Response

if __name__ == "__main__":
    os.environ["SCRIPT"], os.environ["MODEL"] = sys.argv[1:3]
    uvicorn.run("serve_script:app", port=int(sys.argv[3]), workers=2, log_level="error",
                app_dir=os.path.dirname(os.path.abspath(__file__)))
else:
    sys.path.insert(0, os.path.dirname(os.environ["SCRIPT"]))
    import inference

    app = FastAPI()
    model = inference.model_fn(os.environ["MODEL"])

    @app.get("/ping")
    async def ping():
        return Response()

    @app.post("/invocations")
    async def invoke(request: Request):
        rows = inference.input_fn((await request.body()).decode(),
                                  request.headers.get("content-type"))
        answer, content_type = inference.output_fn(inference.predict_fn(rows, model), "text/csv")
        return Response(answer, media_type=content_type)
