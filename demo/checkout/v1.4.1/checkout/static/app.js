const call = async (method, path, body) => {
  const answer = await fetch(path, { method, body: body && JSON.stringify(body) });
  return answer.json();
};

const show = (products) => {
  document.querySelector("#products").replaceChildren(...products.map((product) => {
    const line = document.createElement("li");
    const button = document.createElement("button");
    button.textContent = "Add to cart";
    button.onclick = () => add(product.sku);
    line.append(`${product.name}, ${product.price.toFixed(2)} EUR`, button);
    return line;
  }));
};

let cart;
const add = async (sku) => {
  cart ??= await call("POST", "/api/carts");
  const inside = cart.items.find((item) => item.sku === sku)?.quantity ?? 0;
  cart = await call("PUT", `/api/carts/${cart.id}/items/${sku}`, { quantity: inside + 1 });
  document.querySelector("#total").textContent = `${cart.total.toFixed(2)} EUR`;
};

call("GET", "/api/products").then((answer) => show(answer.products));
