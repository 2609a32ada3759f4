"""Numbers within bounds, as the fields of terms take them."""

from typing import Annotated

from pydantic import Field

NotNegative = Annotated[float, Field(ge=0.0)]
Positive = Annotated[float, Field(gt=0.0)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Multiple = Annotated[float, Field(ge=0.0, le=10.0)]
Growth = Annotated[float, Field(gt=-1.0, le=10.0)]
Months = Annotated[int, Field(ge=0)]
