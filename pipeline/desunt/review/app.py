"""The review desk as a web application: `create_app(environment)`."""

from __future__ import annotations

from urllib.parse import urlencode

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from desunt.__version__ import __version__
from desunt.errors import DesuntError, IntegrityError
from desunt.review import routes
from desunt.review.assets import Assets
from desunt.review.auth import NotSignedIn
from desunt.review.environment import Environment
from desunt.review.rendering import render
from desunt.review.security import Guard
from desunt.review.store.types import Conflict, Invalid, NotAllowed, NotFound, Stale, Throttled, Unavailable

STATUS_CODES: dict[type[DesuntError], int] = {
    NotFound: 404,
    NotAllowed: 403,
    Invalid: 422,
    Conflict: 409,
    Stale: 409,
    IntegrityError: 422,
    Throttled: 429,
    Unavailable: 503,
}


def create_app(environment: Environment) -> FastAPI:
    """Return the desk over an environment; nothing is read or opened here that the environment does not hold."""
    app = FastAPI(
        title="desunt: the review desk", version=__version__, openapi_url="/api/openapi.json", docs_url=None, redoc_url=None,
        description="Every page of the desk as JSON. Changes are made by POST and need the header Origin with the desk's own address.",
    )  # fmt: skip
    app.state.environment = environment
    pages, api = APIRouter(include_in_schema=False), APIRouter(prefix="/api")
    for module in routes.ROUTE_MODULES:
        module.register(pages, api)
    app.include_router(pages)
    app.include_router(api)
    app.mount("/static", Assets(), name="static")
    app.add_exception_handler(DesuntError, _on_error)
    app.add_exception_handler(NotSignedIn, _on_unauthenticated)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_middleware(Guard, hosts=environment.hosts)
    return app


def _on_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, DesuntError)
    status = next((code for error_type, code in STATUS_CODES.items() if isinstance(error, error_type)), 500)
    return _problem_response(request, status, error.problem, error.remedy)


def _on_unauthenticated(request: Request, _: Exception) -> Response:
    if _is_api(request):
        return _problem_response(request, 401, "nobody is signed in", "POST /api/sign-in with a name")
    # What was asked for by POST cannot be asked for again by a redirect.
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(f"/sign-in?{urlencode({'to': path if request.method == 'GET' else '/'})}", 303)


def _on_invalid_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0] if error.errors() else {"loc": (), "msg": "it cannot be read"}
    return _problem_response(request, 422, f"{'/'.join(map(str, first['loc']))}: {first['msg']}", "")


def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    response = _problem_response(request, error.status_code, str(error.detail), "")
    response.headers.update(error.headers or {})
    return response


def _problem_response(request: Request, status: int, problem: str, remedy: str) -> Response:
    if _is_api(request):
        return JSONResponse({"problem": problem, "remedy": remedy}, status)
    return render(request, "problem.html.j2", status=status, problem=problem, remedy=remedy, code=status)


def _is_api(request: Request) -> bool:
    return request.url.path.startswith("/api/")
